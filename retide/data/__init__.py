"""Reading data: the only place that knows DuckDB."""

from retide.data.judge import judge

__all__ = ["judge"]
