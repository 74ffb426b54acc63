// What locust-nest is compared with: the bare GET and the session, by k6. `-e URL`, `CUSTOMERS`, `SECONDS` and `SCENARIO` say
// what to run; bodies that nobody reads are discarded, as k6's documentation recommends for speed.
import http from "k6/http";
import { check } from "k6";

const url = __ENV.URL;

export const options = {
  discardResponseBodies: true,
  insecureSkipTLSVerify: true,
  scenarios: {
    only: {
      executor: "constant-vus",
      vus: Number(__ENV.CUSTOMERS),
      duration: `${__ENV.SECONDS}s`,
      exec: __ENV.SCENARIO,
    },
  },
};

export function get() {
  http.get(`${url}/`);
}

export function session() {
  const json = { "content-type": "application/json" };
  const body = { headers: json, responseType: "text" };
  const token = http.post(`${url}/login`, JSON.stringify({ name: "ada", password: "lovelace" }), body).json("token");
  const item = http.get(`${url}/items`, { responseType: "text" }).json("items.0.id");
  const added = http.post(`${url}/cart`, JSON.stringify({ id: item, count: 1 }), {
    headers: { ...json, "x-token": token },
    responseType: "text",
  });
  check(added, { added: (answer) => answer.status === 201 && answer.body.includes('"added":true') });
}

export function handleSummary(data) {
  return { stdout: JSON.stringify(data.metrics) };
}
