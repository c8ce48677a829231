# SPDX-License-Identifier: Apache-2.0
"""Times are read from logs of different makes, and compared."""

from bench.timeline import Milestone, Stage, durations, find_milestones, read_lines

AGENT = """\
2026-11-22 22:11:29.100 7 INFO isthmus [-] intent.received vpn=red generation=4
2026-11-22 22:11:29.150 7 INFO isthmus [-] intent.received vpn=blue generation=2
2026-11-22 22:11:29.180 7 DEBUG isthmus [-] flows.installed added=3
2026-11-22 22:11:29.190 7 DEBUG isthmus [-] flows.installed added=1
"""
SWITCH = """\
NXST_FLOW_MONITOR reply (xid=0x6):
2026-11-22 22:11:29.894: NXST_FLOW_MONITOR reply (xid=0x0):
 event=ADDED table=65 cookie=0 reg15=0x2,metadata=0x1 actions=output:1
"""
RECEIVED = Milestone("received", "agent", r"intent\.received vpn={vpn} ")
INSTALLED = Milestone("installed", "agent", r"flows\.installed", is_last=True)


def found(*milestones: Milestone, begin: float = 0, end: float = 1e15) -> dict[str, float]:
    """Milestones in the two logs above, relative to the agent's first line."""
    logs = {"agent": read_lines(AGENT), "switch": read_lines(SWITCH)}
    start = logs["agent"][0].at_ms
    times = find_milestones(milestones, logs, {"vpn": "red"}, start + begin, start + end)
    return {name: at - start for name, at in times.items()}


def test_a_line_without_a_stamp_belongs_to_the_one_before_it() -> None:
    """Tracebacks and the switch's monitor write such lines."""
    lines = read_lines(SWITCH)
    assert len(lines) == 1
    assert "actions=output:1" in lines[0].text


def test_logs_of_different_processes_share_one_clock() -> None:
    """One machine has one clock."""
    bound = Milestone("bound", "switch", "actions=output:1")
    assert found(RECEIVED, bound) == {"received": 0, "bound": 794}


def test_the_first_or_the_last_matching_line_counts() -> None:
    """As the milestone says."""
    first = Milestone("first", "agent", r"flows\.installed")
    assert found(first, INSTALLED) == {"first": 80, "installed": 90}


def test_names_are_filled_in_and_taken_literally() -> None:
    """A dot in an address is a dot."""
    logs = {"agent": read_lines("2026-11-22 22:11:29.100 at 10.1.0.1\n")}
    pattern = Milestone("seen", "agent", "at {address}$")
    assert "seen" in find_milestones([pattern], logs, {"address": "10.1.0.1"}, 0, 1e15)
    assert "seen" not in find_milestones([pattern], logs, {"address": "10.1.0."}, 0, 1e15)


def test_nothing_before_the_request_or_after_the_answer_counts() -> None:
    """Earlier rounds are in the same logs."""
    assert found(RECEIVED, begin=10) == {}
    assert found(INSTALLED, end=85) == {"installed": 80}


def test_a_stamp_cut_to_milliseconds_still_counts_as_after_the_request() -> None:
    """29.1004 is logged as 29.100."""
    assert found(RECEIVED, begin=0.9) == {"received": 0}


def test_a_milestone_that_was_not_logged_is_left_out_of_the_stages() -> None:
    """Rather than counted as no time."""
    stages = [Stage("agent", "received", "installed", ""), Stage("bgp", "installed", "heard", "")]
    assert durations(stages, {"received": 1.0, "installed": 3.5}) == {"agent": 2.5}
