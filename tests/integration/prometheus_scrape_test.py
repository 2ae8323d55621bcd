#!/usr/bin/python3
"""A real Prometheus scrapes a server, and promtool finds nothing to complain about.

    prometheus_scrape_test.py --test-server BINARY     a tiny server of the metrics room alone
    prometheus_scrape_test.py --unipresenced BINARY    the server itself, without a PBX

Needs Debian's package `prometheus`; without it the test says SKIPPED and ends with 77.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_S = 60
ARGUMENTS = None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    """The status and the text of an answer; status 0 if there is none."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def wait_for(what, check, process=None):
    """Polls until `check` gives something true, and returns that."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        result = check()
        if result:
            return result
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: {process.args[0]} ended with {process.returncode}")
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENCE_S} s")


@contextlib.contextmanager
def running(command, log, **options):
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stderr=output, **options)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def test_server(folder):
    log = os.path.join(folder, "server.log")
    with running([ARGUMENTS.test_server], log, stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip()
        if not port:
            raise AssertionError(open(log, encoding="utf-8").read())
        yield int(port)
        process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def unipresenced(folder):
    config = os.path.join(folder, "unipresence.yaml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({  # JSON is YAML
            # Nobody is there.
            "pbx": [{"name": "main", "host": "127.0.0.1", "port": 1, "username": "x", "secret": "x"}],
            "grpc": {"listen": f"unix:{folder}/grpc"},
            "zeromq": {"publish": f"ipc://{folder}/publish", "snapshot": f"ipc://{folder}/snapshot"},
            "metrics": {"listen": "127.0.0.1:0"},
            "store": {"path": f"{folder}/store.db"},
        }, file)
    log = os.path.join(folder, "server.log")
    with running([ARGUMENTS.unipresenced, "--config", config], log,
                 stdout=subprocess.PIPE, text=True) as process:
        addresses = process.stdout.readline()  # printed once it listens
        if not addresses:
            raise AssertionError(open(log, encoding="utf-8").read())
        yield int(json.loads(addresses)["metrics"].rsplit(":", 1)[1])
        process.stdout.close()


@contextlib.contextmanager
def prometheus(folder, target_port):
    config = os.path.join(folder, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{
                "job_name": "unipresence",
                "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}],
            }],
        }, file)
    subprocess.run(["promtool", "check", "config", config], check=True,
                   stdout=subprocess.DEVNULL)
    for attempt in range(5):
        port = free_port()
        log = os.path.join(folder, f"prometheus-{attempt}.log")
        command = ["prometheus", f"--config.file={config}",
                   f"--web.listen-address=127.0.0.1:{port}",
                   f"--storage.tsdb.path={folder}/tsdb-{attempt}"]
        with running(command, log, stdout=subprocess.DEVNULL) as process:
            url = f"http://127.0.0.1:{port}"
            try:
                wait_for("prometheus is ready", lambda u=url: get(u + "/-/ready")[0] == 200, process)
            except AssertionError:
                text = open(log, encoding="utf-8").read()
                if "address already in use" in text:  # somebody took the free port
                    continue
                sys.stderr.write(text)
                raise
            yield url
            return
    raise AssertionError("no free port for prometheus")


def query(url, expression):
    """The samples of an instant query, as (labels, value)."""
    status, text = get(f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    if status != 200:
        return []
    return [(sample["metric"], float(sample["value"][1]))
            for sample in json.loads(text)["data"]["result"]]


def sample(url, expression):
    """The only sample of a query. There is none while the last scrape came too late."""
    found = wait_for(expression, lambda: query(url, expression))
    if len(found) != 1:
        raise AssertionError(f"{expression}: {found}")
    return found[0]


class ScrapeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="unipresence-prometheus-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        start = unipresenced if ARGUMENTS.unipresenced else test_server
        self.port = self.stack.enter_context(start(self.folder))

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def test_promtool_has_no_complaint(self):
        status, text = get(self.url("/metrics"))
        self.assertEqual(status, 200)
        check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                               capture_output=True, check=False)
        self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))

    def test_live_and_ready(self):
        self.assertEqual(get(self.url("/livez")), (200, "ok\n"))
        if ARGUMENTS.unipresenced:  # its PBX is not there
            status, text = get(self.url("/readyz"))
            self.assertEqual((status, "main" in text), (503, True), text)
        else:
            wait_for("ready", lambda: get(self.url("/readyz")) == (200, "ok\n"))
        self.assertEqual(get(self.url("/nothing"))[0], 404)

    def test_prometheus_scrapes_it(self):
        url = self.stack.enter_context(prometheus(self.folder, self.port))
        wait_for("up", lambda: [v for _, v in query(url, 'up{job="unipresence"}')] == [1.0])
        labels, value = sample(url, "unipresence_build_info")
        self.assertEqual(value, 1.0)
        self.assertTrue(labels["version"])
        self.assertTrue(labels["compiler"])
        self.assertGreater(sample(url, "process_resident_memory_bytes{job='unipresence'}")[1], 1e6)
        types = json.loads(get(f"{url}/api/v1/metadata?metric=process_cpu_seconds_total")[1])
        self.assertEqual(types["data"]["process_cpu_seconds_total"][0]["type"], "counter")
        if ARGUMENTS.unipresenced:
            return
        self.assertEqual(sample(url, "unipresence_test_lines_total")[1], 42)
        self.assertEqual(sample(url, "unipresence_test_lines_total")[0]["pbx"], "main")
        self.assertEqual(sample(url, "unipresence_test_queue_depth")[1], 7)
        self.assertEqual(sample(url, "unipresence_test_latency_seconds_count")[1], 3)
        self.assertEqual(sample(url, 'unipresence_test_latency_seconds_bucket{le="0.00025"}')[1], 3)
        self.assertEqual(sample(url, 'unipresence_test_latency_seconds_bucket{le="0.0001"}')[1], 0)


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--test-server", metavar="BINARY")
    which.add_argument("--unipresenced", metavar="BINARY")
    ARGUMENTS, rest = parser.parse_known_args()
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            print(f"SKIPPED: no {program} here; install Debian's package prometheus")
            return 77
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
