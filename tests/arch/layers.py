#!/usr/bin/python3
"""Holds the architecture: who includes whom, what CMake links, which folders there are.

usage: layers.py SOURCE_DIR

ARROWS is the architecture of README in a table: a room may include itself and the rooms behind it,
nothing else. Every #include of own code is looked up in it, and so is every DEPENDS in CMake.
"""
import pathlib
import re
import sys

import verdict

FOLDERS = {"proto", "aggregator", "server", "clients", "tests", "deploy"}

# Room -> the rooms it may include. `proto` is the generated code.
ARROWS = {
    "aggregator/base": set(),
    "aggregator/model": {"aggregator/base"},
    "aggregator/ami": {"aggregator/base"},
    "aggregator/fusion": {"aggregator/model"},
    "aggregator/pbx": {"aggregator/ami", "aggregator/model", "aggregator/base"},
    "aggregator/engine": {"aggregator/fusion", "aggregator/model", "aggregator/base"},
    # Of the engine only its ports: see PORTS.
    "aggregator/publish": {"aggregator/model", "aggregator/base", "aggregator/engine", "proto"},
    "aggregator/history": {"aggregator/model", "aggregator/base"},
    "aggregator/pipeline": {"aggregator/ami", "aggregator/pbx", "aggregator/engine", "aggregator/fusion",
                            "aggregator/publish", "aggregator/history", "aggregator/model", "aggregator/base"},
    # Of auth only what a password hash looks like, and a digest, of ami how a PBX is reached: see PORTS.
    "server/config": {"server/auth", "aggregator/ami", "aggregator/model", "aggregator/base"},
    "server/auth": {"aggregator/model", "aggregator/base"},
    "server/metrics": {"aggregator/base"},
    "server/storage": {"aggregator/model", "aggregator/base"},
    # Of the pipeline only its ports: see PORTS.
    "server/account": {"aggregator/pipeline", "aggregator/engine", "aggregator/model", "aggregator/base",
                       "server/storage", "server/auth"},
    "server/streaming": {"aggregator/pipeline", "aggregator/engine", "aggregator/publish", "aggregator/model",
                         "aggregator/base", "proto"},
    "server/service": {"aggregator/pipeline", "aggregator/engine", "aggregator/fusion", "aggregator/publish",
                       "aggregator/model", "aggregator/base", "server/storage", "server/auth",
                       "server/account", "server/streaming", "proto"},
    "server/app": {"aggregator/pipeline", "aggregator/ami", "aggregator/pbx", "aggregator/engine", "aggregator/fusion",
                   "aggregator/publish", "aggregator/model", "aggregator/base", "server/config",
                   "server/auth", "server/metrics", "server/storage", "server/account", "server/streaming",
                   "server/service", "proto"},
    "clients/cpp": {"aggregator/publish", "aggregator/model", "aggregator/base", "proto"},
    "clients/cli": {"clients/cpp", "aggregator/publish", "aggregator/model", "aggregator/base",
                    "server/config", "proto"},
}

# What a room may see of another that it must not know whole.
PORTS = {
    ("aggregator/publish", "aggregator/engine"):
        {"aggregator/engine/update_sink.h", "aggregator/engine/presence_source.h"},
    **{(room, "aggregator/pipeline"):
           {"aggregator/pipeline/executor.h", "aggregator/pipeline/pbx_control.h",
            "aggregator/pipeline/call_control.h"}
       for room in ("server/account", "server/streaming", "server/service")},
    # What the pipeline's ports give to read; changes are for who applies what is committed.
    ("server/account", "aggregator/engine"):
        {"aggregator/engine/engine_writer.h", "aggregator/engine/mailboxes.h", "aggregator/engine/pbx_status.h",
         "aggregator/engine/pbx_table.h", "aggregator/engine/presence_source.h",
         "aggregator/engine/session_table.h", "aggregator/engine/user_directory.h"},
    **{(room, "aggregator/engine"):
           {"aggregator/engine/mailboxes.h", "aggregator/engine/pbx_status.h", "aggregator/engine/pbx_table.h",
            "aggregator/engine/presence_source.h", "aggregator/engine/session_table.h",
            "aggregator/engine/user_directory.h"}
       for room in ("server/streaming", "server/service")},
    ("server/config", "server/auth"): {"server/auth/password.h", "server/auth/digest.h"},
    ("server/config", "aggregator/ami"): {"aggregator/ami/config.h"},
    # The users file is read alike by the server and by `unipresence users add --file`.
    ("clients/cli", "server/config"): {"server/config/users_file.h"},
}

# What a room must not get by way of other headers either: who cannot see it whole cannot use it.
CONCEALED = {
    "server/account": {"aggregator/engine/engine.h"},
    "server/streaming": {"aggregator/engine/engine.h", "aggregator/engine/engine_writer.h"},
    "server/service": {"aggregator/engine/engine.h", "aggregator/engine/engine_writer.h"},
}

# Foreign code that only some rooms may touch: the pipeline knows no gRPC, SQL or HTTP.
FOREIGN = [
    (re.compile(r"^grpc(pp)?/|\.grpc\.pb\.h$"), ("server/streaming", "server/service", "clients/")),
    (re.compile(r"^sqlite3|^SQLiteCpp/"), ("server/storage/sqlite/",)),
    (re.compile(r"^(boost|prometheus)/"), ("server/metrics",)),
    (re.compile(r"^zmq"), ("aggregator/publish", "clients/cpp")),
    (re.compile(r"^asio"), ("aggregator/ami", "aggregator/pipeline")),
    (re.compile(r"^yaml-cpp/"), ("server/config",)),
    (re.compile(r"^CLI/"), ("server/app", "clients/cli")),
    (re.compile(r"^unipresence/v1/"), ("aggregator/publish", "server/streaming", "server/service", "clients/")),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
DEPENDS = re.compile(r"unipresence_library\((\w+)(.*?)\)", re.S)


def room_of(path):
    return "/".join(path.split("/")[:2])


def check_includes(root, errors):
    for room, allowed in ARROWS.items():
        for file in sorted((root / room).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            name = file.relative_to(root).as_posix()
            for included in INCLUDE.findall(file.read_text()):
                if included.startswith("tests/"):
                    errors.append(f"{name}: includes {included}; nothing depends on tests")
                elif included.split("/")[0] in FOLDERS and "/" in included:
                    check_own(name, room, allowed, included, errors)
                else:
                    check_foreign(name, included, errors)


def check_own(name, room, allowed, included, errors):
    other = room_of(included)
    if other == room:
        return
    ports = PORTS.get((room, other))
    if other not in allowed and ports is None:
        errors.append(f"{name}: includes {included}; {room} may include {sorted(allowed)}")
    elif ports is not None and included not in ports:
        errors.append(f"{name}: includes {included}; of {other} it may see {sorted(ports)}")
    elif included.count("/") > 2:
        errors.append(f"{name}: includes {included}; a folder within {other} is its own affair")


def check_concealed(root, errors):
    def reached(name, way):
        """(file, the way to it) of all own headers that `name` includes, and so on."""
        path = root / name
        for included in INCLUDE.findall(path.read_text()) if path.is_file() else ():
            if included not in seen:
                seen.add(included)
                yield included, way + [included]
                yield from reached(included, way + [included])

    for room, concealed in CONCEALED.items():
        for file in sorted((root / room).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            seen = set()
            for included, way in reached(file.relative_to(root).as_posix(), []):
                if included in concealed:
                    errors.append(f"{file.relative_to(root)}: sees {included}, by {' -> '.join(way)}; "
                                  f"{room} goes by the pipeline's ports")


def check_foreign(name, included, errors):
    for pattern, rooms in FOREIGN:
        if pattern.search(included) and not name.startswith(rooms):
            errors.append(f"{name}: includes {included}; that belongs to {', '.join(rooms)}")


def check_cmake(root, errors):
    target_room = {"unipresence_proto": "proto", "unipresence_grpc": "proto",
                   "unipresence_engine_ports": "aggregator/engine",
                   "unipresence_pipeline_ports": "aggregator/pipeline"}
    libraries = []
    for room in ARROWS:
        file = root / room / "CMakeLists.txt"
        if not file.exists():
            continue
        for target, body in DEPENDS.findall(file.read_text()):
            target_room[target] = room
            depends = body.split("DEPENDS", 1)[1] if "DEPENDS" in body else ""
            libraries.append((target, room, re.findall(r"\bunipresence_\w+", depends)))
    for target, room, depends in libraries:
        for other in depends:
            other_room = target_room.get(other)
            if other_room is None:
                errors.append(f"{room}/CMakeLists.txt: {target} depends on {other}, which no room makes")
            elif other_room != room and other_room not in ARROWS[room]:
                errors.append(f"{room}/CMakeLists.txt: {target} depends on {other} of {other_room}; "
                              f"{room} may depend on {sorted(ARROWS[room])}")


def check_folders(root, errors):
    for path in root.iterdir():
        if path.is_dir() and not path.name.startswith((".", "build")) and path.name not in FOLDERS:
            errors.append(f"{path.name}/: no such folder in the architecture; there are {sorted(FOLDERS)}")
    for parent in ("aggregator", "server", "clients"):
        for path in (root / parent).iterdir():
            if path.is_dir() and any(path.iterdir()) and f"{parent}/{path.name}" not in ARROWS:
                errors.append(f"{parent}/{path.name}/: a room without arrows; add it to tests/arch/layers.py")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    errors = []
    check_folders(root, errors)
    check_includes(root, errors)
    check_concealed(root, errors)
    check_cmake(root, errors)
    verdict.give(errors, "breaches of the architecture", f"{len(ARROWS)} rooms keep to their arrows")


if __name__ == "__main__":
    main()
