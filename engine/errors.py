"""What can go wrong for a user, as one small tree. Each error knows its exit code.

    UserError              1  failed: something a person can mend
    +- UsageError          2  bad plan, bad option, bad name
    |  +- PlanError        2  all problems of one plan, with file, line and key
    +- StoreError          1  the store cannot be opened or written
    |  +- LostLease        1  another worker took over; this one wrote nothing
    |  +- DiskFull         1  no room to write; what was there stays, and it can be waited out
    +- MissingExtra        1  an optional dependency is not installed
    +- PluginError         1  a plug-in raised, with its name
    +- EndpointError       1  a served model cannot be reached or refuses us
    +- Unfinished          3  drained, or a budget or time limit was reached: run it again
    +- Cancelled         130  somebody stopped it for good

Everything else that is raised is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass


class UserError(Exception):
    """A failure that a person can mend.

    Args:
        title: what went wrong, in one line, without a final full stop.
        text: the facts behind it; may hold several lines.
        mend: what to do about it.
    """

    exit_code = 1

    def __init__(self, title: str, text: str = "", mend: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.text = text
        self.mend = mend

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.text, self.mend) if part)


class UsageError(UserError):
    """The command, an option or a name is wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file that a user wrote.

    Attributes:
        key: dotted path of the key, such as `players.llama.sampling.temperature`; empty for the whole file.
        message: what was found and what was expected.
        line: 1-based line in the file, None when the value came from elsewhere.
        source: the file, or `--set`, or the environment variable that the value came from.
        nearest: the known key or value that is spelled most like it.
    """

    key: str
    message: str
    line: int | None = None
    source: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line is not None else self.source
        hint = f" (did you mean '{self.nearest}'?)" if self.nearest else ""
        return ": ".join(part for part in (where, self.key, self.message) if part) + hint


class PlanError(UsageError):
    """All problems of one plan at once."""

    def __init__(self, title: str, problems: tuple[Problem, ...], mend: str = "") -> None:
        super().__init__(title, "\n".join(f"  {problem}" for problem in problems), mend)
        self.problems = problems


class StoreError(UserError):
    """The store cannot be opened, read or written."""


class DiskFull(StoreError):
    """There is no room to write: a full disk, a quota, a limit on the size of files. Nothing is half-written."""


class LostLease(StoreError):
    """This attempt is no longer the current one of its job: nothing was written."""


class MissingExtra(UserError):
    """An optional dependency is not installed.

    Args:
        extra: the extra of arena-tui that brings it; empty when `package` is in none.
    """

    def __init__(self, what: str, extra: str, package: str = "") -> None:
        wanted = f"'arena-tui[{extra}]'" if extra else package
        missing = f"the package {package}, which is" if package else "packages that are"
        super().__init__(f"{what} needs {missing} not installed", mend=f"pip install {wanted}")
        self.extra = extra


class PluginError(UserError):
    """A plug-in is unknown, cannot be loaded, or raised."""


class EndpointError(UserError):
    """A served model cannot be reached, or refuses us.

    Args:
        may_return: time may mend it, as when a server is down or too busy or has not been listed yet; a job pauses
            and tries again. False where a person has to mend something first: a key, a name, an address.
    """

    def __init__(self, title: str, text: str = "", mend: str = "", *, may_return: bool = False) -> None:
        super().__init__(title, text, mend)
        self.may_return = may_return


class Unfinished(UserError):
    """The run stopped before its end, with everything so far in the store."""

    exit_code = 3


class Cancelled(UserError):
    """The run was stopped for good, with everything so far in the store."""

    exit_code = 130
