# SPDX-License-Identifier: Apache-2.0
"""A short run of chaos.py each way; the long ones are by hand."""
import os
import random

from chaos import chaos

SECONDS = 10


def seed():
    """A failure prints it; USHER_CHAOS_SEED repeats it."""
    return int(os.environ.get("USHER_CHAOS_SEED", random.SystemRandom().randrange(1 << 31)))


def test_faults(t):
    chaos(t, SECONDS, seed(), gentle=False)


def test_gentle_faults_cut_nobody(t):
    chaos(t, SECONDS, seed(), gentle=True)
