"""Run a notebook with parameters, from a clean kernel, and show it as HTML without scripts.

A notebook says what may be set in its cell tagged ``parameters``: plain assignments of literals, with a type if it is
not that of the default. Where it may be one of several the type is a comment (``# type: str|None``): papermill reads no
``|`` in an annotation, and would call the name unknown. Names and types are read with `ast`, never run; a name the cell
does not have is refused with the list of those it has. The values go into a cell of their own after it, as papermill
does, so that the same notebooks run there too.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import json
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.errors import ConfigError, Finding
from outcomes.files.floors import check_floor
from outcomes.files.temporary import private_folder
from outcomes.release.notebook_format import no_address_parsers
from outcomes.release.notebook_html import INJECTED, PARAMETERS, read_title, to_html

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from outcomes.release.kernels import KernelServer

_LONGEST_SOCKET_NAME = 90  # macOS allows 103 bytes, Linux 107; a number is put behind the name
CELL_TIMEOUT_SECONDS = 600
STOP_SECONDS = 10.0
READ = ("data", "mapping", "protocol", "codebook")
"""Parameters that say what a notebook reads; those of one report have the same."""
_TYPES = {kind.__name__: kind for kind in (str, int, float, bool, list, tuple, dict)} | {"None": type(None)}


@dataclass(frozen=True)
class NotebookRun:
    """A notebook after its run.

    Attributes
    ----------
    name : str
        File name without ending.
    title : str
        Its first heading.
    html : str
        Cells and outputs, also of a run that failed.
    failure : str
        Where it failed: notebook, cell, line and kind of error; empty after a whole run. Never a value.
    notebook : str
        The executed notebook as JSON, to be kept when it failed.
    """

    name: str
    title: str
    html: str
    failure: str
    notebook: str


def check_notebook_packages() -> None:
    """Raise `OutcomesError` (E961) where what shows notebooks is older than it may be (`files.floors`)."""
    check_floor("nbconvert", "show notebooks (report --no-notebooks goes without)")


def find_notebooks(folder: Path | None = None) -> list[Path]:
    """Return the notebooks by name: of a folder, else of ``notebooks/`` beside the source or in the working folder."""
    places = [folder] if folder else [Path(__file__).parents[3] / "notebooks", Path.cwd() / "notebooks"]
    for place in places:
        if found := sorted(place.glob("[0-9][0-9]_*.ipynb")):
            return found
    return []


def locate(path: str | list[str] | None) -> Any:
    """Return a path, or each of a list, from the working folder, its parent (``notebooks/``), or the checkout.

    The last is for a working copy of the notebooks that lies elsewhere (`release.lab`). An empty text is no path: on
    the command line of papermill there is no other way to say none.
    """
    if isinstance(path, list):
        return [locate(item) for item in path]
    if not path:
        return None
    places = (Path(path), Path("..") / path, Path(__file__).parents[3] / path)
    return next((place for place in places if place.exists()), Path(path))


def read_parameters(path: Path) -> dict[str, tuple[Any, tuple[type, ...]]]:
    """Return the parameters of a notebook: name -> (default, allowed types); nothing is run."""
    return _parameters_of(_read(path), path.name)


def check_parameters(path: Path, values: Mapping[str, Any]) -> None:
    """Raise `ConfigError` with every name the notebook does not know and every value of a wrong type."""
    known = read_parameters(path)
    faults = []
    for name, value in values.items():
        if name not in known:
            faults.append(
                Finding(
                    "N101",
                    "is not a parameter of this notebook.",
                    f"{path.name} › {name}",
                    f"It has: {', '.join(known) or 'none'}.",
                )
            )
        elif type(value) not in known[name][1]:
            allowed = " or ".join(kind.__name__ for kind in known[name][1])
            faults.append(Finding("N102", f"is {type(value).__name__}; {allowed} is needed.", f"{path.name} › {name}"))
    if faults:
        raise ConfigError(f"The notebook {path.name} cannot be run:", faults)


@contextmanager
def running_notebooks(
    values: Mapping[Path, Mapping[str, Any]],
    progress: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    at_once: int = 2,
) -> Iterator[Iterator[NotebookRun]]:
    """Run notebooks side by side while the block does something else, each in a kernel of its own.

    The block is given the runs in the order of the notebooks, to wait for; on any error in it all are stopped.

    Parameters
    ----------
    values : mapping of Path to mapping
        The parameters of each notebook.
    progress, environment
        As of `run_notebook`.
    at_once : int
        How many run at the same time.
    """
    check_notebook_packages()
    stop = threading.Event()
    with _kernels_for(values) as server, ThreadPoolExecutor(at_once, thread_name_prefix="notebooks") as pool:
        try:
            order = sorted(values, key=_count_code, reverse=True)[:1]  # the longest first: it must not start last
            running = {
                path: pool.submit(run_notebook, path, values[path], progress, environment, stop, server)
                for path in dict.fromkeys([*order, *values])
            }
            yield _wait_for(running[path] for path in values)
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _wait_for(running: Iterable[Future[NotebookRun]]) -> Iterator[NotebookRun]:
    for run in running:
        while not run.done():  # with a limit, so that a stop by hand is heard everywhere
            wait([run], timeout=0.2)
        yield run.result()


def _kernels_for(values: Mapping[Path, Mapping[str, Any]]) -> AbstractContextManager[KernelServer | None]:
    """The process to fork kernels from, where there are several to start and the system can."""
    if len(values) < 2 or not hasattr(os, "fork"):
        return nullcontext()
    from outcomes.release.kernels import kernel_server

    reading = next((told for told in values.values() if told.get("data")), {})
    return kernel_server(_kernel_environment(tempfile.gettempdir()), {k: v for k, v in reading.items() if k in READ})


def _count_code(path: Path) -> int:
    """How many cells of a notebook are code: what there is to know of how long it takes."""
    return sum(cell["cell_type"] == "code" for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])


def run_notebook(
    path: Path,
    values: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
    server: KernelServer | None = None,
) -> NotebookRun:
    """Run a notebook from a clean kernel in an empty folder.

    Parameters
    ----------
    path : Path
    values : Mapping[str, object]
        Parameters to set; literals only.
    progress : callable
        Told "name: cell i of n" before each code cell.
    environment : mapping of str to str, optional
        More for the environment of the kernel.
    stop : Event, optional
        Set from another thread, it stops the run.
    server : KernelServer, optional
        Where the kernel is forked from (`release.kernels`); otherwise it is started by its command.

    Raises
    ------
    ConfigError
        For a parameter the notebook does not have, or of another type. A failing cell is in the result instead.
    OutcomesError
        E961 nbconvert is too old to show it.
    """
    check_notebook_packages()
    with no_address_parsers():
        import nbformat
        from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from outcomes.release.kernels import fork_from

    check_parameters(path, values)
    notebook = _read(path)
    _inject(notebook, values)
    n_cells = len(notebook.cells)
    failure = ""
    with private_folder("notebook") as private:
        folder = str(private)
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_SECONDS,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
            on_cell_start=lambda cell, cell_index: progress(f"{path.stem}: cell {cell_index + 1} of {n_cells}"),
        )
        _talk_through_files(client, folder)
        if server is not None:
            fork_from(server, client.km)
        try:
            _execute(client, {**_kernel_environment(folder), **(environment or {})}, stop or threading.Event())
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failure = _describe(path, notebook, error)
    return NotebookRun(
        path.stem,
        read_title(notebook, path.stem),
        to_html(notebook, path.stem, failure, values),
        failure,
        nbformat.writes(notebook),  # type: ignore[no-untyped-call]
    )


def _read(path: Path) -> NotebookNode:
    with no_address_parsers():
        import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def _parameters_of(notebook: NotebookNode, name: str) -> dict[str, tuple[Any, tuple[type, ...]]]:
    found: dict[str, tuple[Any, tuple[type, ...]]] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or PARAMETERS not in cell.metadata.get("tags", ()):
            continue
        for line in ast.parse(cell.source, type_comments=True).body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
                default = _literal(line.value, name)
                found[line.target.id] = (default, _allowed(ast.unparse(line.annotation), default))
            elif isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
                default = _literal(line.value, name)
                found[line.targets[0].id] = (default, _allowed(line.type_comment or "", default))
    return found


def _literal(node: ast.expr, name: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        finding = Finding("N103", "a parameter's default must be a literal.", f"{name} › line {node.lineno}")
        raise ConfigError(f"The notebook {name} cannot be run:", [finding]) from error


def _allowed(annotation: str, default: Any) -> tuple[type, ...]:
    words = [word.split("[")[0].strip() for word in annotation.split("|")]
    return tuple(dict.fromkeys([*(_TYPES[word] for word in words if word in _TYPES), type(default)]))


def _inject(notebook: NotebookNode, values: Mapping[str, Any]) -> None:
    import nbformat

    if not values:
        return
    source = "\n".join(["# Parameters of this run", *(f"{name} = {value!r}" for name, value in values.items())])
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
    cell["id"] = INJECTED
    at = next((i for i, c in enumerate(notebook.cells) if PARAMETERS in c.metadata.get("tags", ())), -1)
    notebook.cells.insert(at + 1, cell)


def _talk_through_files(client: Any, folder: str) -> None:
    """Let notebook and kernel talk through files of a private folder: no port is opened, ipykernel does not warn.

    The system takes names of at most about a hundred characters for such files; where temporary folders lie deeper, the
    two talk over the loopback address as usual.
    """
    client.create_kernel_manager()
    name = os.path.join(folder, "kernel")
    if os.name == "posix" and len(os.fsencode(name)) <= _LONGEST_SOCKET_NAME:
        client.km.transport = "ipc"
        client.km.ip = name
        client.km.connection_file = os.path.join(folder, "kernel.json")


def _execute(client: Any, environment: dict[str, str], stop: threading.Event) -> None:
    """Run the cells in a thread of their own and wait for it, so that a stop by hand reaches the caller.

    In the main thread nbclient takes the signal for itself: it drops the kernel and fails on the next message. The
    kernel has a session of its own, so that the terminal does not signal it; it is stopped here on every way out.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(client.async_execute(env=environment))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            failures.append(error)

    worker = threading.Thread(target=work, name="notebook", daemon=True)
    try:
        worker.start()
        while worker.is_alive():
            if stop.is_set():
                raise KeyboardInterrupt
            worker.join(0.2)  # with a limit, because elsewhere than on POSIX an endless wait cannot be interrupted
    finally:
        _stop_kernel(client, worker)
        # nbclient forgets this one where the kernel is stopped while it starts; at the end it would fail on no kernel.
        atexit.unregister(client._cleanup_kernel)
    if failures:
        raise failures[0]


def _stop_kernel(client: Any, worker: threading.Thread) -> None:
    """Kill the kernel and what it started, also one that is only now being started, until its thread has ended."""
    until = time.monotonic() + STOP_SECONDS
    while True:
        process = getattr(getattr(client.km, "provisioner", None), "process", None)
        if process is not None and process.poll() is None:
            if os.name == "posix":
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        if not worker.is_alive() or time.monotonic() > until:
            return
        worker.join(0.1)


def _kernel_environment(folder: str) -> dict[str, str]:
    """The kernel finds this very package wherever it runs, and writes its settings nowhere but the private folder."""
    source = str(Path(__file__).parents[2])
    paths = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    private = {"IPYTHONDIR": folder, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in paths), **private}


def _describe(path: Path, notebook: NotebookNode, error: Exception) -> str:
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return f"{path.name}, cell {number}{_line(output.traceback)}: {output.ename}"
    return f"{path.name}: {type(error).__name__}"


def _line(traceback: list[str]) -> str:
    """The line of the cell that failed, as IPython prints it: ``Cell In[3], line 2`` or ``----> 2``."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    found = re.search(r"Cell In\[\d+\], line (\d+)", plain)
    return f", line {found[1]}" if found else ""
