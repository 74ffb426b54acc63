from locust import TaskSequence, TaskSet, seq_task, task


class Visitor(TaskSet):
    @task
    class Tour(TaskSequence):
        @seq_task(2)
        def second(self):
            self.client.get("/second")

        @seq_task(1)
        def first(self):
            self.client.get("/first")

        @seq_task(3)
        def out(self):
            self.interrupt()
