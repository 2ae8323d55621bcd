"""What every test here needs: a namespace of its own, and an Asterisk or a loud reason why not."""
import os
import pathlib
import sys
import zlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testing"))
import fetch_asterisk  # noqa: E402
from bench import namespace  # noqa: E402
from bench.pool import Pool  # noqa: E402

PROBLEM = None
try:
    namespace.enter()  # before anything starts a thread
except namespace.NoNamespace as error:
    PROBLEM = str(error)


def pytest_addoption(parser):
    parser.addoption("--asterisk", action="append", choices=sorted(fetch_asterisk.VERSIONS),
                     help="only with this Asterisk (may be given several times)")
    parser.addoption("--shard", metavar="I/N", help="only the Ith of N parts of the tests")


def pytest_collection_modifyitems(config, items):
    shard = config.getoption("--shard")
    if shard:
        index, count = map(int, shard.split("/"))
        # A hash, for the parameters that come in turns differ in what they cost.
        chosen = [item for item in items if zlib.crc32(item.nodeid.encode()) % count == index - 1]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def pytest_generate_tests(metafunc):
    if "version" in metafunc.fixturenames:
        versions = metafunc.config.getoption("--asterisk") or list(fetch_asterisk.VERSIONS)
        metafunc.parametrize("version", versions, ids=[f"asterisk{v}" for v in versions], scope="session")


def give_up(reason):
    """No Asterisk here: skipped loudly, or failed where it is required."""
    if os.environ.get("UNIPRESENCE_REQUIRE_ASTERISK") == "1":
        pytest.fail(f"UNIPRESENCE_REQUIRE_ASTERISK=1, but {reason}", pytrace=False)
    pytest.skip(f"NOT TESTED ON A REAL ASTERISK: {reason}")


@pytest.fixture(scope="session")
def asterisk(version):
    """The version, once its Asterisk is known to be in the cache."""
    if PROBLEM:
        give_up(PROBLEM)
    # The fetch needs the network, which is gone inside the namespace: run.py or ctest did it before.
    if not fetch_asterisk.installed(version):
        give_up(f"Asterisk {version} is not in {fetch_asterisk.cache_folder()}; run fetch_asterisk.py")
    return version


@pytest.fixture(scope="session")
def pool():
    """Keeps one bench alive for the tests that can share it."""
    one = Pool()
    yield one
    one.close()


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("SKIPPED: the real-Asterisk tests say nothing about this build")
        for reason in sorted({report.longrepr[2] for report in skipped}):
            terminalreporter.write_line(reason)
