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
    ((group, options),) = list_opts()
    assert group == "isthmus"
    assert options is OPTIONS
    for option in options:
        assert len(option.help.split()) > 5
        if option.name.endswith(("_interval", "_time")):
            assert "econds" in option.help
