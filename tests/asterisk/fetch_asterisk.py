#!/usr/bin/python3
"""Fetches an Asterisk for the tests: no root, no container, nothing installed.

Debian 12 ships no Asterisk, other suites of the same mirror do.  apt resolves and
downloads the whole closure (libc included) into a private folder, each package is
unpacked there, and the tests run the tree by its own loader.

The mirror is the one this machine already uses; none is named here.
A second run finds the folder complete and returns at once.
"""
import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

EXIT_CANNOT_FETCH = 3
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = ["asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm"]
# For each Asterisk: the suites to try in order, and what its suite packages apart.
VERSIONS = {
    "22": {"suites": ["forky", "sid"], "packages": PACKAGES},
    "16": {"suites": ["bullseye"], "packages": PACKAGES + ["asterisk-voicemail"]},
}
LIBRARIES = ["usr/lib/x86_64-linux-gnu", "usr/lib"]
LOADER = "usr/lib64/ld-linux-x86-64.so.2"


class CannotFetch(Exception):
    """The machine, its mirror or its network does not give us this Asterisk."""


def cache_folder():
    """Where the unpacked trees live: $UNIPRESENCE_ASTERISK_CACHE or the user's cache."""
    given = os.environ.get("UNIPRESENCE_ASTERISK_CACHE")
    return pathlib.Path(given) if given else pathlib.Path.home() / ".cache/unipresence/asterisk"


def own_codename():
    with contextlib.suppress(OSError):
        for line in open("/etc/os-release", encoding="utf-8"):
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    raise CannotFetch("cannot tell which Debian this is: no VERSION_CODENAME in /etc/os-release")


def deb822_sources(text):
    """Yields (uris, suites, components) of the enabled `deb` stanzas of a .sources file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {}
        for line in stanza.splitlines():
            if ":" in line and not line[0].isspace():
                key, value = line.split(":", 1)
                fields[key.strip().lower()] = value.split()
        if fields.get("enabled", ["yes"])[0].lower() in ("no", "false", "0"):
            continue
        if "deb" in fields.get("types", []):
            yield fields.get("uris", []), fields.get("suites", []), fields.get("components", [])


def one_line_sources(text):
    """The same of a one-line-style .list file."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line.split("#")[0])
        if match:
            yield [match[1]], [match[2]], match[3].split()


def main_mirror(apt_folder=pathlib.Path("/etc/apt")):
    """The mirror from which this machine takes the main part of its own suite."""
    codename = own_codename()
    parts = apt_folder / "sources.list.d"
    files = [apt_folder / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    for file in files:
        if not file.is_file():
            continue
        parse = deb822_sources if file.suffix == ".sources" else one_line_sources
        for uris, suites, components in parse(file.read_text(encoding="utf-8")):
            if codename in suites and "main" in components and uris:
                return uris[0]
    raise CannotFetch(f"no apt source of this machine offers suite {codename}, component main")


def write_apt_configuration(folder, mirror, suite):
    """A private apt: own state, own cache, and an empty dpkg status so that the closure is whole."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc/parts", "etc/preferences.d", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    (folder / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True)
    # How this machine reaches its mirror (proxy, retries) is kept, its hooks are not.
    reach = [line for line in dump.stdout.splitlines()
             if re.match(r"Acquire::(https?|Retries|ForceIPv[46])\b", line)]
    own = f"""Dir "{folder}";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc "{folder}/etc";
Dir::Etc::parts "{folder}/etc/parts";
Dir::Log "{folder}/log";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
"""
    file = folder / "apt.conf"
    file.write_text("\n".join(reach) + "\n" + own)
    return {**os.environ, "APT_CONFIG": str(file), "LC_ALL": "C"}


def run_apt(arguments, environment):
    result = subprocess.run(["apt-get", "-q", *arguments], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.strip().splitlines()[-5:])
        raise CannotFetch(f"apt-get {' '.join(arguments)} failed:\n{tail}")


def download(folder, mirror, suite, packages):
    """Downloads the packages with all they need; returns the .deb files."""
    environment = write_apt_configuration(folder, mirror, suite)
    run_apt(["update"], environment)
    run_apt(["-y", "--download-only", "install", *packages], environment)
    debs = sorted((folder / "cache/archives").glob("*.deb"))
    if not debs:
        raise CannotFetch(f"apt-get downloaded nothing from suite {suite}")
    return debs


def unpack(debs, root):
    """Unpacks every .deb into root, merged-/usr style; returns {file name: sha256}."""
    root.mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    sums = {}
    for deb in debs:
        sums[deb.name] = hashlib.sha256(deb.read_bytes()).hexdigest()
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as source:
            subprocess.run(["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner"],
                           stdin=source.stdout, check=True)
        if source.returncode != 0:
            raise CannotFetch(f"cannot unpack {deb.name}")
    sounds = root / "usr/share/asterisk/sounds"
    if not (sounds / "en").exists():
        american = next(iter(sorted(sounds.glob("en_US*"))), None)
        if american:
            (sounds / "en").symlink_to(american.name)
    return sums


def loader_command(root, program):
    """The words that run a program of the unpacked tree with the tree's own loader and libraries."""
    loader = root / LOADER
    if loader.is_symlink():  # an absolute link in older suites: it means the tree, not this machine
        loader = root / os.readlink(loader).lstrip("/") if os.readlink(loader).startswith("/") else loader
    libraries = ":".join(str(root / folder) for folder in LIBRARIES)
    return [str(loader), "--library-path", libraries, str(root / program)]


def version_of(root):
    command = loader_command(root, "usr/sbin/asterisk") + ["-V"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0:
        raise CannotFetch(f"the unpacked Asterisk does not start: {result.stderr.strip()[-300:]}")
    return result.stdout.strip()


def installed(version):
    """The manifest of an Asterisk that was fetched before, or None."""
    manifest = cache_folder() / version / "manifest.json"
    return json.loads(manifest.read_text()) if manifest.is_file() else None


def fetch_from(suite, version, mirror, work):
    shutil.rmtree(work, ignore_errors=True)
    debs = download(work / "apt", mirror, suite, VERSIONS[version]["packages"])
    sums = unpack(debs, work / "root")
    manifest = {"version": version_of(work / "root"), "suite": suite, "sha256": sums}
    (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.rmtree(work / "apt")
    return manifest


def fetch(version):
    """Makes sure this Asterisk is in the cache; returns its manifest or raises CannotFetch."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f".{version}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may come at once
        found = installed(version)
        if found:
            return found
        if os.uname().machine != "x86_64":
            raise CannotFetch(f"only for x86_64, this machine is {os.uname().machine}")
        mirror, errors = main_mirror(), []
        work = cache / f".{version}.partial"
        for suite in VERSIONS[version]["suites"]:
            try:
                manifest = fetch_from(suite, version, mirror, work)
            except (CannotFetch, OSError, subprocess.SubprocessError) as error:
                errors.append(f"suite {suite}: {error}")
                continue
            shutil.rmtree(cache / version, ignore_errors=True)
            work.rename(cache / version)
            return manifest
        shutil.rmtree(work, ignore_errors=True)
        raise CannotFetch("\n".join(errors))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Folder: $UNIPRESENCE_ASTERISK_CACHE, now {cache_folder()}. Exit codes: 0 all there, "
               f"2 wrong usage, {EXIT_CANNOT_FETCH} cannot be fetched.")
    parser.add_argument("version", nargs="*", metavar="VERSION",
                        help=f"which to fetch, of {', '.join(VERSIONS)} (default: all)")
    arguments = parser.parse_args()
    unknown = [version for version in arguments.version if version not in VERSIONS]
    if unknown:
        parser.error(f"unknown version {unknown[0]}, there are {', '.join(VERSIONS)}")
    failed = False
    for version in arguments.version or VERSIONS:
        try:
            manifest = fetch(version)
            print(f"asterisk {version}: {manifest['version']} from {manifest['suite']}, "
                  f"{len(manifest['sha256'])} packages in {cache_folder() / version}")
        except (CannotFetch, OSError, subprocess.SubprocessError) as error:
            failed = True
            print(f"asterisk {version}: CANNOT BE FETCHED\n{error}", file=sys.stderr)
    return EXIT_CANNOT_FETCH if failed else 0


if __name__ == "__main__":
    sys.exit(main())
