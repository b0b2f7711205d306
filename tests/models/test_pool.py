"""Pieces of work in processes of their own: nothing lost, errors told, and none outlives the one that asked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.pool import spread

REPOSITORY = Path(__file__).parents[2]
ASKING = "import sys; from models.pool import spread; from tests.models.test_pool import told; " \
         "spread(told, [(sys.argv[1], at) for at in range(2)], 'pieces', 2)"  # fmt: skip


def double(number: int) -> int:
    """Of a small number; ValueError of a large one."""
    if number > 100:
        raise ValueError(f"too large: {number}")
    return 2 * number


def told(folder: str, at: int) -> None:
    """Say which process this is, and stay."""
    file = Path(folder) / str(at)
    file.with_suffix(".part").write_text(str(os.getpid()))
    file.with_suffix(".part").rename(file)
    time.sleep(600)


def lives(process: int) -> bool:
    """Whether it runs: one that has ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_pieces_and_each_is_told_once(processes):
    heard = []
    assert spread(double, [(3,), (1,), (2,)], "numbers", processes, heard.append) == [6, 2, 4]
    assert sorted(heard) == [2, 4, 6]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_is_raised_here(processes):
    with pytest.raises(ValueError, match="too large: 101"):
        spread(double, [(1,), (101,)], "numbers", processes)


def test_no_process_outlives_the_one_that_asked_and_was_killed(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    asking = subprocess.Popen([sys.executable, "-c", ASKING, str(tmp_path)], env=environment)
    files = [tmp_path / str(at) for at in range(2)]
    while not all(file.exists() for file in files):
        assert asking.poll() is None
        time.sleep(0.05)
    working = [int(file.read_text()) for file in files]
    assert all(lives(process) for process in working)
    asking.send_signal(signal.SIGKILL)
    asking.wait()
    left = working
    for _ in range(1200):  # a minute, for a machine at work
        left = [process for process in left if lives(process)]
        if not left:
            break
        time.sleep(0.05)
    assert not left
