import json
import os
import subprocess
import sys

import numpy as np

import skinlab
from skinlab import machine


def test_packages_are_those_of_this_environment_by_lower_case_name() -> None:
    packages = machine.packages()
    assert packages["numpy"] == np.__version__
    assert list(packages) == sorted(name.lower() for name in packages)


def test_the_code_version_names_the_package_version() -> None:
    assert machine.code_version()["version"] == skinlab.__version__


def test_the_machine_has_a_processor_and_memory() -> None:
    facts = machine.describe()
    assert facts["cpu"]
    assert facts["cores"] == len(os.sched_getaffinity(0))
    assert facts["memory_gib"] > 0


def test_this_process_is_alive_and_a_later_one_with_its_number_is_not() -> None:
    identity = machine.process_identity()
    assert machine.is_alive(identity) is True
    assert machine.is_alive(identity | {"started": "1"}) is False
    assert machine.is_alive(identity | {"boot": "another"}) is False


def test_of_another_host_nothing_is_known() -> None:
    assert machine.is_alive(machine.process_identity() | {"host": "elsewhere"}) is None


def test_a_process_that_ended_is_not_alive_even_before_its_parent_has_noticed() -> None:
    program = "from skinlab import machine; import json; print(json.dumps(machine.process_identity()))"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    identity = json.loads(child.stdout.readline())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert machine.is_alive(identity) is False
    child.communicate()
    assert machine.is_alive(identity) is False
