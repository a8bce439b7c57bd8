from collections.abc import Sequence

__version__: str

def run_command(arguments: Sequence[str]) -> int: ...
