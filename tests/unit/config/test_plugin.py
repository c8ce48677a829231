# SPDX-License-Identifier: Apache-2.0
"""The plug-in's options have defaults that work and ranges that hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from oslo_config import cfg

from isthmus.config.plugin import OPTIONS, list_opts, read_options

ROOT = Path(__file__).resolve().parents[3]


def conf(tmp_path: Path, text: str = "") -> cfg.ConfigOpts:
    """Read a configuration file."""
    path = tmp_path / "neutron.conf"
    path.write_text(f"[isthmus]\n{text}\n")
    made = cfg.ConfigOpts()
    made(["--config-file", str(path)], default_config_files=[])
    return made


def test_the_defaults_are_those_of_the_lab(tmp_path: Path) -> None:
    """Nothing has to be configured."""
    options = read_options(conf(tmp_path))
    assert options.driver == "pe_rpc"
    assert options.poll_interval_s < options.pe_down_time_s
    assert options.retry_interval_s <= options.max_retry_interval_s


def test_a_value_out_of_range_is_refused(tmp_path: Path) -> None:
    """When it is read, not when it hurts."""
    with pytest.raises(cfg.ConfigFileValueError):
        read_options(conf(tmp_path, "dispatch_threads = 0"))


def test_every_option_is_in_the_sample_and_says_what_it_is() -> None:
    """With its unit, where it has one."""
    listed = dict(list_opts())
    assert listed.keys() == {"isthmus", "quotas"}
    assert listed["isthmus"] is OPTIONS
    for option in [*listed["isthmus"], *listed["quotas"]]:
        assert len(option.help.split()) > 5
        if option.name.endswith(("_interval", "_time")):
            assert "econds" in option.help


@pytest.mark.parametrize("option", ["route_target_pool", "route_distinguisher_pool"])
@pytest.mark.parametrize("text", ["64500:100", "64500:9-1", "64500:1-5,64500:3-8"])
def test_a_pool_that_is_none_is_refused_by_name(text: str, option: str) -> None:
    """At the start, not at the first request."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    conf.register_opts(OPTIONS, "isthmus")
    conf.set_override(option, text.split(","), "isthmus")
    with pytest.raises(ValueError, match=option):
        read_options(conf)
