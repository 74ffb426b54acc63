"""What each load generator says of its own run: how many requests it completed, and what went wrong.

Its count is never used for a figure; it has to agree with nginx's, and nothing may have gone wrong.
"""

import json
import re
from dataclasses import dataclass

from child import Ended


@dataclass(frozen=True)
class Books:
    completed: int
    wrong: list[str]


def nest(ended: Ended) -> Books:
    report = json.loads(ended.output)
    requests, settling = report["requests"], report["settling"]  # settling: before the first whole moment that is counted
    wrong = [f"{requests[what] + settling[what]} {what}" for what in ("failed", "dropped") if requests[what] + settling[what]]
    wrong += [f"{count} answers of status {status}" for status, count in report["status"].items() if not status.startswith("2")]
    wrong += [f"{error['count']} x {error['kind']}" for error in report["errors"]]
    return Books(requests["completed"] + settling["completed"], wrong)


def wrk(ended: Ended) -> Books:
    wrong = re.findall(r"Socket errors: .*|Non-2xx .*", ended.output)
    return Books(number(r"(\d+) requests in", ended.output), wrong)


def oha(ended: Ended) -> Books:
    report = json.loads(ended.output)
    statuses = report["statusCodeDistribution"]
    wrong = [f"{count} answers of status {status}" for status, count in statuses.items() if not status.startswith("2")]
    errors = report["errorDistribution"]
    wrong += [f"{count} x {error}" for error, count in errors.items() if error != "aborted due to deadline"]
    return Books(sum(statuses.values()), wrong)


def h2load(ended: Ended) -> Books:
    wrong = [f"{count} {what}" for count, what in re.findall(r"(\d+) (failed|errored|timeout|3xx|4xx|5xx)", ended.output) if int(count)]
    return Books(number(r"(\d+) succeeded", ended.output), wrong)


def hey(ended: Ended) -> Books:
    statuses = re.findall(r"\[(\d{3})\]\s+(\d+) responses", ended.output)
    wrong = [f"{count} answers of status {status}" for status, count in statuses if not status.startswith("2")]
    wrong += re.findall(r"Error distribution:\n\s*(.*)", ended.output)
    return Books(sum(int(count) for _, count in statuses), wrong)


def hey_csv(ended: Ended) -> Books:
    statuses = [line.split(",")[6] for line in ended.output.splitlines()[1:] if line]
    wrong = [f"an answer of status {status}" for status in statuses if not status.startswith("2")]
    return Books(len(statuses), wrong)


def locust(ended: Ended) -> Books:
    entries = json.loads(ended.output)
    wrong = [f"{entry['num_failures']} failures of {entry['name']}" for entry in entries if entry["num_failures"]]
    wrong += re.findall(r"ERROR.*", ended.errors)[:1]
    return Books(sum(entry["num_requests"] for entry in entries), wrong)


def goose(ended: Ended) -> Books:
    requests = json.loads(ended.report)["raw_metrics"]["requests"]
    wrong = [f"{request['fail_count']} failures of {name}" for name, request in requests.items() if request["fail_count"]]
    return Books(sum(request["success_count"] for request in requests.values()), wrong)


def k6(ended: Ended) -> Books:
    metrics = json.loads(ended.output)
    wrong = [f"{count} failed" for count in [metrics["http_req_failed"]["values"]["passes"]] if count]
    wrong += [f"{count} checks failed" for count in [metrics.get("checks", {"values": {"fails": 0}})["values"]["fails"]] if count]
    return Books(metrics["http_reqs"]["values"]["count"], wrong)


def autocannon(ended: Ended) -> Books:
    report = json.loads(ended.output)
    wrong = [f"{report[what]} {what}" for what in ("errors", "timeouts", "mismatches", "non2xx", "resets") if report[what]]
    return Books(report["requests"]["total"], wrong)


def artillery(ended: Ended) -> Books:
    counters = json.loads(ended.report)["aggregate"]["counters"]
    fine = re.compile(r"http\.codes\.2\d\d|http\.re(quests|sponses)|http\.downloaded_bytes|vusers\.(?!failed).*|plugins\..*")
    wrong = [f"{count} x {name}" for name, count in counters.items() if count and not fine.fullmatch(name)]
    return Books(counters["http.responses"], wrong)


def tsung(ended: Ended) -> Books:
    """The last column of a counter is its total; the last dump has all."""
    totals = {name: int(total) for name, total in re.findall(r"^stats: (\S+) \d+ (\d+)$", ended.output, re.M)}
    wrong = [f"{count} answers of status {name}" for name, count in totals.items() if re.fullmatch(r"[013-9]\d\d", name)]
    wrong += [f"{count} x {name}" for name, count in totals.items() if name.startswith("error")]
    return Books(sum(count for name, count in totals.items() if re.fullmatch(r"2\d\d", name)), wrong)


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0
