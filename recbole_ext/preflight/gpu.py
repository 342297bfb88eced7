"""GPUs: what torch was built for, what the driver supports, and how much memory is free."""

import shutil
import subprocess

OLD_DRIVER = "the driver supports CUDA {driver}, and torch is built for CUDA {runtime}; update the driver, or {build}"
BUILD = "choose a build of torch at https://pytorch.org/get-started/locally"


def gpu_lines() -> list[str]:
    """CUDA runtime, driver and each GPU with its memory, or why there is none."""
    import torch

    runtime, driver = torch.version.cuda, driver_line()
    lines = [f"CUDA: torch is built for {runtime}"] if runtime else [f"cuda: this torch is built without CUDA; {BUILD}"]
    lines += [f"driver: {driver}"] if driver else []
    if runtime and not torch.cuda.is_available():
        supported = _supported()
        too_old = driver and supported and _version(supported) < _version(runtime)
        words = OLD_DRIVER.format(driver=supported, runtime=runtime, build=BUILD)
        lines.append(f"cuda: {words}" if too_old else "cuda: no GPU is visible; check with: nvidia-smi")
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        lines.append(f"cuda:{index}: {name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free")
    if torch.backends.mps.is_available():
        lines.append("mps: ok")
    return lines


def driver_line() -> str:
    """Version of NVIDIA's driver, with the CUDA that it supports; "" where there is no driver."""
    found = _asked("--query-gpu=driver_version", "--format=csv,noheader").splitlines()
    supported = _supported() if found else ""
    return found[0].strip() + (f", supports CUDA {supported}" if supported else "") if found else ""


def _supported() -> str:
    """The newest CUDA of the driver, as `nvidia-smi` heads its table with it."""
    return _asked().partition("CUDA Version:")[2].strip().partition(" ")[0]


def _asked(*words: str) -> str:
    """What `nvidia-smi` prints; "" where it is not there or fails."""
    program = shutil.which("nvidia-smi")
    if not program:
        return ""
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
