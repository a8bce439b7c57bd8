"""Resident memory of this process."""

import pathlib
import resource

STATUS = pathlib.Path("/proc/self/status")


def reset_peak():
    """Resets peak memory to the present size, if the system supports it (Linux)."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def resident_bytes():
    return status_bytes("VmRSS") or peak_bytes()


def peak_bytes():
    return status_bytes("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def status_bytes(field):
    """Returns a size from the process status, or None if there is no such file."""
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None
