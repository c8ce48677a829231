# SPDX-License-Identifier: Apache-2.0
"""Suites of unit tests: neutron-tempest-plugin's, openstacksdk's and heat-tempest-plugin's."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.conformance import environment
from tests.conformance.accounts import ADMIN, OTHER, OWNER, Place
from tests.conformance.outcome import FAILED, PASSED, Outcome, Suite

TEMPEST_TESTS = "neutron_tempest_plugin.bgpvpn.api.test_bgpvpn"
HEAT_TESTS = "heat_tempest_plugin.tests.api.test_heat_api"
SDK_TESTS = "openstack.tests.functional.network.v2.test_bgpvpn"

TEMPEST_CONF = """\
[DEFAULT]
log_file = {folder}/tempest.log
[oslo_concurrency]
lock_path = {folder}/locks
[auth]
use_dynamic_credentials = false
test_accounts_file = {folder}/accounts.yaml
[identity]
auth_version = v3
uri_v3 = {auth_url}
region = {region}
[network]
region = {region}
[heat_plugin]
auth_url = {auth_url}
region = {region}
username = {owner}
project_name = {owner}
password = {password}
admin_username = {admin}
admin_project_name = {admin}
admin_password = {password}
user_domain_id = default
project_domain_id = default
[service_available]
heat = true
neutron = true
nova = false
glance = false
cinder = false
swift = false
"""
_TEMPEST = {"TEMPEST_CONFIG_DIR": str(environment.FOLDER), "TEMPEST_CONFIG": "tempest.conf"}
_OUR_TYPES = {"OS::Isthmus::VirtualTenantNetwork", "OS::Neutron::BGPVPN"} | {
    f"OS::Neutron::BGPVPN-{kind}-ASSOCIATION" for kind in ("NET", "ROUTER", "PORT")
}


def run_tempest(place: Place) -> Suite:
    """Run neutron-tempest-plugin's ``bgpvpn.api``."""
    _write_tempest_configuration(place)
    return _run("neutron-tempest-plugin bgpvpn.api", TEMPEST_TESTS, _TEMPEST)


def run_heat(place: Place) -> Suite:
    """Run heat-tempest-plugin's tests of the API, against an engine that has our resources."""
    heat = place.connect(OWNER).orchestration
    known = set(heat.get("/resource_types").json()["resource_types"])
    missing = sorted(_OUR_TYPES - known)
    _write_tempest_configuration(place)
    suite = _run("heat-tempest-plugin api (gabbi)", HEAT_TESTS, _TEMPEST)
    loaded = Outcome("our resources are loaded", FAILED if missing else PASSED, ", ".join(missing))
    return Suite(suite.name, (loaded, *suite.outcomes), suite.seconds)


def run_sdk(place: Place) -> Suite:
    """Run openstacksdk's functional tests of BGP VPNs."""
    where = {
        "OS_CLIENT_CONFIG_FILE": str(place.clouds_yaml),
        "OS_CLOUD": ADMIN,
        "OPENSTACKSDK_OPERATOR_CLOUD": ADMIN,
        "OPENSTACKSDK_SYSTEM_ADMIN_CLOUD": ADMIN,
        "OPENSTACKSDK_DEMO_CLOUD": OWNER,
        "OPENSTACKSDK_DEMO_CLOUD_ALT": OTHER,
        "OPENSTACKSDK_IMAGE": place.image,
        "OPENSTACKSDK_FLAVOR": place.flavor,
        # Its limit of 5 seconds a test is for unit tests.
        "OS_TEST_TIMEOUT": "60",
    }
    return _run("openstacksdk functional network.v2.test_bgpvpn", SDK_TESTS, where)


def _write_tempest_configuration(place: Place) -> None:
    folder = environment.FOLDER
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    auth_url = place.clouds[ADMIN]["auth"]["auth_url"]
    password = place.clouds[ADMIN]["auth"]["password"]
    text = TEMPEST_CONF.format(
        folder=folder,
        auth_url=auth_url,
        region=place.region,
        owner=OWNER,
        admin=ADMIN,
        password=password,
    )
    (folder / "tempest.conf").write_text(text)
    accounts = [_account(place, name) | {"roles": ["member"]} for name in (OWNER, OTHER)]
    accounts.append(_account(place, ADMIN) | {"types": ["admin"], "roles": ["admin"]})
    (folder / "accounts.yaml").write_text(yaml.safe_dump(accounts))


def _account(place: Place, name: str) -> dict[str, Any]:
    auth = place.clouds[name]["auth"]
    return {
        "username": auth["username"],
        "password": auth["password"],
        "project_name": auth["project_name"],
        "domain_name": "Default",
    }


def _run(name: str, module: str, where: Mapping[str, str]) -> Suite:
    short = module.partition(".")[0]
    results, log = environment.FOLDER / f"{short}.json", environment.FOLDER / f"{short}.log"
    results.unlink(missing_ok=True)
    start = time.monotonic()
    with log.open("w") as out:
        done = subprocess.run(
            [environment.PYTHON, environment.INSIDE / "run_tests.py", module, results],
            cwd=environment.FOLDER,
            env=os.environ | where,
            stdout=out,
            stderr=out,
        )
    outcomes = _read(results)
    if done.returncode or not outcomes:
        reason = f"ended with {done.returncode} after {len(outcomes)} tests; see {log}"
        outcomes.append(Outcome(module, FAILED, reason))
    return Suite(name, tuple(outcomes), time.monotonic() - start)


def _read(results: Path) -> list[Outcome]:
    if not results.exists():
        return []
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return [Outcome(row["test"].rpartition(".")[2], row["became"], row["reason"]) for row in rows]
