"""The life of a set: changed, reduced, renamed, with commands run in it."""

import cases


def play(tool, prefix, write_step, docker, inspect):
    """Plays it with one tool; gives what was seen at each moment."""
    config_id = f"{prefix}-life"
    label = f"config_id={config_id}"
    seen = {}

    def names():
        listed = docker("ps", "-a", "--filter", f"label={label}", "--format", '{{.Label "container_name"}} {{.Names}} {{.State}}')
        return sorted(listed.stdout.split("\n"))

    def ids():
        listed = docker("ps", "-a", "--no-trunc", "--filter", f"label={label}", "--format", '{{.Label "container_name"}} {{.ID}}')
        return dict(line.split() for line in listed.stdout.splitlines())

    def short(text):
        return [line.replace(prefix, "P") for line in text]

    db, web, sync, run = (f"{prefix}-{name}" for name in ("db", "web", "sync", "run"))
    step = {
        db: {**cases.UP, "start_order": 1},
        sync: {**cases.ENDS, "command": ["sh", "-c", "echo hello; exit 0"], "start_order": 2},
        web: {**cases.UP, "environment": ["V=1"], "start_order": 3},
        run: {
            "action": "exec",
            "command": [web, "sh", "-c", "echo $SAID $(id -u) >> /tmp/said"],
            "environment": ["SAID=hello"],
            "user": "nobody",
            "privileged": False,
            "start_order": 4,
        },
    }
    tool.apply(config_id, write_step("life", step))
    seen["first"] = short(names())
    seen["what the command said"] = docker("exec", web, "cat", "/tmp/said").stdout
    seen["inspected"] = inspect(label)

    before = ids()
    tool.apply(config_id, write_step("life", step))
    seen["kept when nothing changed"] = sorted(k for k, v in ids().items() if before[k] == v)

    step[web] = {**step[web], "environment": ["V=2"]}
    tool.apply(config_id, write_step("life", step))
    seen["kept when one changed"] = sorted(k for k, v in ids().items() if before[k] == v)
    seen["command is run in the new one"] = docker("exec", web, "cat", "/tmp/said").stdout

    # The order of keys is no change.
    before = ids()
    step[db] = dict(reversed(step[db].items()))
    tool.apply(config_id, write_step("life", step))
    seen["kept when reordered"] = sorted(k for k, v in ids().items() if before[k] == v)

    # A tag that now means another image.
    tag = f"{prefix}:moving"
    docker("tag", cases.IMAGE, tag)
    step[web]["image"] = tag
    tool.apply(config_id, write_step("life", step))
    before = ids()
    docker("commit", "--change", "LABEL moved=1", web, tag)
    tool.apply(config_id, write_step("life", step))
    seen["kept when a tag moved"] = sorted(k for k, v in ids().items() if before[k] == v)

    without = {name: config for name, config in step.items() if name != db}
    tool.apply(config_id, write_step("life", without), "--no-cleanup")
    # paunch loses this option on its way to docker, and deletes.
    if tool.name == "slipway" and not any(line.startswith(f"{db} ") for line in names()):
        raise SystemExit("slipway deleted a container in spite of --no-cleanup")
    tool.apply(config_id, write_step("life", without))
    seen["cleaned up"] = short(names())

    # A name with a suffix, as paunch 2 gave where a stranger had the preferred one.
    tool.apply(config_id, write_step("life", step))
    before = ids()
    docker("rename", db, f"{db}-x1y2z3w4")
    tool.apply(config_id, write_step("life", step))
    seen["renamed"] = short(names())
    seen["renamed, not made anew"] = sorted(k for k, v in ids().items() if before[k] == v)

    # Other sets of the manager, and of nobody.
    tool.apply(f"{config_id}-2", write_step("life2", {f"{prefix}-other": cases.UP}))
    tool.of_ids("cleanup", config_id)
    seen["other sets cleaned up"] = docker("ps", "-aq", "--filter", f"label={label}-2").stdout
    seen["this set stays"] = short(names())
    tool.of_ids("delete", config_id)
    seen["deleted"] = short(names())
    docker("rmi", "--force", tag)
    return seen
