"""Notebooks: thin, without outputs, and run with checked parameters."""

from __future__ import annotations

import ast
import importlib
import io
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from outcomes.errors import ConfigError, InputRefused, OutcomesError
from outcomes.release import kernels, notebooks
from outcomes.release.notebook_format import no_address_parsers
from outcomes.release.notebooks import (
    _kernel_environment,
    check_parameters,
    find_notebooks,
    locate,
    read_parameters,
    run_notebook,
    running_notebooks,
)

with no_address_parsers():
    import nbformat
    from nbclient.exceptions import DeadKernelError
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAY_BE_NONE = ("mapping", "protocol", "codebook", "quarter", "clinic")
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def write(path, *cells):
    nbformat.write(new_notebook(cells=list(cells), metadata=KERNEL), path)
    return path


@pytest.fixture
def small(tmp_path):
    return write(
        tmp_path / "07_small.ipynb",
        new_markdown_cell("# A small notebook"),
        new_code_cell('data: str | list = "a.csv"\nlevel = 0.95\nquarter: str | None = None',
                      metadata={"tags": ["parameters"]}),
        new_code_cell("print(data, level, quarter)"),
        new_code_cell(
            "from IPython.display import HTML\n"
            "HTML('<' + 'script>alert(1)</' + 'script><em on' + 'click=x()>leaning</em>')"
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def server():
    """The process that kernels are forked from, started once for all that is not about its start and end."""
    with kernels.kernel_server(_kernel_environment(tempfile.gettempdir())) as made:
        yield made


@pytest.fixture
def shared(server, monkeypatch):
    """Let notebooks that run side by side take that process instead of one of their own."""
    monkeypatch.setattr(kernels, "kernel_server", lambda *_: nullcontext(server))


def test_there_are_notebooks_to_check():
    assert {path.stem for path in NOTEBOOKS} >= {
        *("01_data_quality", "04_modality_effectiveness", "05_quarterly_review")
    }
    assert find_notebooks() == NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_thin_and_stored_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert not cell["outputs"] and cell["execution_count"] is None
        tree = ast.parse("".join(cell["source"]))
        banned = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.BinOp)
        of_types = {id(n) for a in ast.walk(tree) if isinstance(a, ast.AnnAssign) for n in ast.walk(a.annotation)}
        assert not [n for n in ast.walk(tree) if isinstance(n, banned) and id(n) not in of_types]
    assert set(read_parameters(path)) >= {"data", "mapping", "protocol", "quarter"}
    assert notebook["cells"][0]["source"][0].startswith("# ")
    assert "Where next" in "".join("".join(cell["source"]) for cell in notebook["cells"])


def test_parameters_are_read_with_their_types(small):
    assert read_parameters(small) == {
        "data": ("a.csv", (str, list)),
        "level": (0.95, (float,)),
        "quarter": (None, (str, type(None))),
    }


def test_a_type_may_be_a_comment(tmp_path):
    source = 'data = "a.csv"  # type: str|list\nquarter = None  # type: str|None\nlevel = 0.95  # of all intervals'
    path = write(tmp_path / "a.ipynb", new_code_cell(source, metadata={"tags": ["parameters"]}))
    assert read_parameters(path) == {
        "data": ("a.csv", (str, list)),
        "quarter": (None, (str, type(None))),
        "level": (0.95, (float,)),
    }


def test_a_misspelt_parameter_is_refused_with_the_names_there_are(small):
    with pytest.raises(ConfigError) as refused:
        check_parameters(small, {"quater": "2026Q3", "level": "high"})
    assert "quater" in str(refused.value) and "data, level, quarter" in str(refused.value)
    assert "float is needed" in str(refused.value)
    assert len(refused.value.findings) == 2


def test_a_default_that_is_no_literal_is_refused(tmp_path):
    path = write(tmp_path / "a.ipynb", new_code_cell("data = open('x')", metadata={"tags": ["parameters"]}))
    with pytest.raises(ConfigError, match="literal"):
        read_parameters(path)


def test_a_run_shows_the_injected_values_and_no_script(small, server):
    said = []
    values = {"data": ["/secret/folder/b.csv"], "quarter": "2026Q3"}
    run = run_notebook(small, values, said.append, server=server)
    assert not run.failure and run.title == "A small notebook"
    assert "/secret/folder/b.csv" in run.notebook and "quarter: 2026Q3" in run.html and "data: b.csv" in run.html
    assert "injected-parameters" not in run.html and "Internal, not for publication" in run.html
    # What was set is shown as it was set, and not beside it as it would have been.
    assert "a.csv" not in run.html and "a.csv" in run.notebook and "0.95" in run.html
    assert "<em>leaning</em>" in run.html
    assert "<script" not in run.html and "onclick" not in run.html
    assert not re.findall(r"https?://", run.html)
    assert "Content-Security-Policy" in run.html
    assert said[-1].startswith("07_small: cell") and said[-1].endswith("of 5")


def test_a_failing_cell_is_named_and_the_rest_is_kept(tmp_path, server):
    path = write(
        tmp_path / "08_broken.ipynb",
        new_markdown_cell("# Broken"),
        new_code_cell("print('before')"),
        new_code_cell("x = 1\nraise ValueError('patient 4711')"),
        new_code_cell("print('after')"),
    )
    run = run_notebook(path, {}, server=server)
    assert run.failure == "08_broken.ipynb, cell 3, line 2: ValueError"
    assert "before" in run.html and "did not run to its end" in run.html
    assert "4711" not in run.failure
    assert json.loads(run.notebook)["cells"][1]["outputs"]


def test_locate_finds_a_path_from_the_root_and_from_the_notebooks_folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x")
    (tmp_path / "notebooks").mkdir()
    for folder in (tmp_path, tmp_path / "notebooks"):
        monkeypatch.chdir(folder)
        assert locate("data/a.csv").read_text() == "x"
        assert [p.read_text() for p in locate(["data/a.csv"])] == ["x"]
    assert locate(None) is None and locate("") is None and locate([]) == []


def test_a_working_copy_elsewhere_finds_the_sample_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locate("data/sample/mapping.toml").samefile(ROOT / "data" / "sample" / "mapping.toml")
    assert locate("data/none.csv") == Path("data/none.csv")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_has_what_papermill_asks_for(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", ())]
    assert tags.count("parameters") == 1 and "injected-parameters" not in tags
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["kernelspec"]["language"] == "python"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_papermill_knows_the_parameters_and_their_types(path):
    papermill = pytest.importorskip("papermill")
    known = read_parameters(path)
    assert known["data"][1] == (str, list) and known["clinic"] == (None, (str, type(None)))
    seen = {name: found["inferred_type_name"] for name, found in papermill.inspect_notebook(path).items()}
    assert list(seen) == list(known)
    assert seen["data"] == "str|list" and {seen[name] for name in MAY_BE_NONE} == {"str|None"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_an_empty_text_is_none_to_a_notebook(path, tmp_path):
    (tmp_path / "visits.csv").write_text("patient_id,visit_date,pain_pre\nP1,2026-01-05,7\nP1,2026-01-12,3\n")
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    last = next(i for i, source in enumerate(cells) if "build_episodes" in source)
    names = {}
    exec(cells[0], names)
    names.update(dict.fromkeys(MAY_BE_NONE, ""), data=str(tmp_path / "visits.csv"))
    exec("\n".join(cells[1 : last + 1]), names)
    assert names["visits"].n == 2
    asked = [source for source in cells if re.search(r"\bquarter=", source)]
    assert all("quarter=quarter or None" in source for source in asked) and len(asked) == path.stem.startswith("05")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_tables_and_refusals_are_shown_whole(path):
    text = path.read_text(encoding="utf-8")
    assert "display.max_columns = None" in text and "display.max_colwidth = None" in text
    assert re.search(r"display\.max_rows = [12]00", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_name_that_is_not_there_does_what_the_first_words_say(path, tmp_path):
    cells = nbformat.read(path, 4).cells
    words = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "(a clinic" in words and "stops the notebook" in words
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    last = next(i for i, source in enumerate(code) if "build_episodes" in source)
    (tmp_path / "visits.csv").write_text("patient_id,visit_date,pain_pre\nP1,2026-01-05,7\nP1,2026-01-12,3\n")
    names = {}
    exec(code[0], names)
    names.update(dict.fromkeys(MAY_BE_NONE, ""), data=str(tmp_path / "visits.csv"), clinic="K01")
    with pytest.raises(InputRefused, match=r"E880 clinic K01: .*Leave it out\."):
        exec("\n".join(code[1 : last + 1]), names)


@pytest.fixture(scope="module")
def on_the_sample(tmp_path_factory):
    """Parameters that run a notebook on four in ten patients of the sample.

    Whether it runs, and not what it says, is asked: few patients and draws do. `make report` runs them on all.
    """
    sample = ROOT / "data" / "sample"
    if not (sample / "visits.csv").exists():
        pytest.skip("data/sample is not here: make it with `python -m outcomes.simulate.sample --out data/sample`")
    folder = tmp_path_factory.mktemp("few")
    few, part = folder / "protocol.toml", folder / "visits.csv"
    few.write_text((sample / "protocol.toml").read_text("utf-8") + "\n[inference]\nbootstrap_draws = 5\n", "utf-8")
    head, *rows = (sample / "visits.csv").read_bytes().splitlines(keepends=True)
    # Ids are digits; the lines below the table have none, and say how many rows there were.
    kept = [row for row in rows if row.split(b",")[0][-1:] in (b"1", b"4", b"6", b"9")]
    assert 8_000 < len(kept) < 11_000
    part.write_bytes(b"".join([head, *kept]))
    return {"data": str(part), "mapping": str(sample / "mapping.toml"), "protocol": str(few)}


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if i == 0 else pytest.mark.slow, id=path.stem) for i, path in enumerate(NOTEBOOKS)],
)
def test_a_notebook_runs_under_papermill(path, on_the_sample, tmp_path):
    papermill = pytest.importorskip(
        "papermill", reason="papermill is not installed here; add it to the group dev and run `make lock`"
    )
    out = tmp_path / path.name
    papermill.execute_notebook(path, out, on_the_sample, kernel_name="python3", cwd=tmp_path, progress_bar=False)
    cells = json.loads(out.read_text("utf-8"))["cells"]
    injected = [cell for cell in cells if "injected-parameters" in cell["metadata"].get("tags", ())]
    assert len(injected) == 1 and on_the_sample["protocol"] in "".join(injected[0]["source"])
    assert not [output for cell in cells for output in cell.get("outputs", ()) if output["output_type"] == "error"]


@pytest.fixture(scope="module")
def runs(on_the_sample):
    """Each of them once, two at a time as in a report, on the sample."""
    with running_notebooks(dict.fromkeys(NOTEBOOKS, on_the_sample)) as running:
        return {run.name: run for run in running}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_on_the_sample(path, runs):
    run = runs[path.stem]
    assert not run.failure
    n_figures = path.read_text(encoding="utf-8").count("oc.figures.")
    assert run.html.count("data:image/png;base64") == n_figures > 0


@pytest.mark.usefixtures("shared")
def test_notebooks_side_by_side_come_in_order_and_know_the_environment_given(tmp_path):
    paths = []
    for name, source in (("01_a", "import os, time; time.sleep(1.5); os.environ['GIVEN']"), ("02_b", "1 / 0")):
        notebook = new_notebook(cells=[new_code_cell(source)])
        paths.append(tmp_path / f"{name}.ipynb")
        nbformat.write(notebook, paths[-1])
    given = {"GIVEN": "to all of them"}
    with running_notebooks({path: {} for path in paths}, environment=given) as running:
        runs = list(running)
    assert [run.name for run in runs] == ["01_a", "02_b"]
    assert not runs[0].failure and "to all of them" in runs[0].html
    assert "ZeroDivisionError" in runs[1].failure


@pytest.mark.usefixtures("shared")
def test_an_error_of_the_caller_stops_the_notebooks_that_still_run(tmp_path):
    paths = [tmp_path / "01_a.ipynb", tmp_path / "02_b.ipynb"]
    for path, source in zip(paths, ("1", "import time; time.sleep(120)"), strict=True):
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), running_notebooks({path: {} for path in paths}) as running:
        for _ in running:
            raise KeyboardInterrupt
    assert time.monotonic() - begun < 60


def test_the_parsers_of_addresses_are_left_out_on_import_and_left_alone_where_they_are(monkeypatch):
    monkeypatch.delitem(sys.modules, "rfc3987_syntax", raising=False)
    with no_address_parsers(), pytest.raises(ImportError):
        importlib.import_module("rfc3987_syntax")
    assert "rfc3987_syntax" not in sys.modules
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", there := object())
    with no_address_parsers():
        assert importlib.import_module("rfc3987_syntax") is there
    assert sys.modules["rfc3987_syntax"] is there


# -- what is rare ------------------------------------------------------------------------------------------------------


class Process:
    """The process that makes kernels, as far as this end of its line can tell."""

    def __init__(self, *answers, ends=True):
        self.stdin, self.stdout = io.StringIO(), io.StringIO("".join(f"{json.dumps(one)}\n" for one in answers))
        self.ends, self.killed = ends, False

    def wait(self, seconds=None):
        if not self.ends and not self.killed:
            raise subprocess.TimeoutExpired("kernels", seconds)

    def kill(self):
        self.killed = True


def served(monkeypatch, *answers, ends=True):
    process = Process(*answers, ends=ends)
    monkeypatch.setattr(kernels.subprocess, "Popen", lambda *_, **__: process)
    return kernels.KernelServer({}, {"data": "visits.csv"}), process


def test_a_kernel_is_signalled_only_while_it_runs(monkeypatch):
    sent = []
    monkeypatch.setattr(kernels.os, "kill", lambda *given: sent.append(given))
    server, process = served(monkeypatch, {"pid": 71}, {"code": None}, {"code": None}, {"code": 3}, {"code": 3})
    kernel = server.start("kernel.json", "folder", {"A": "b"}, ["--more"])
    kernel.terminate()
    kernel.kill()
    kernel.kill()  # it has ended
    assert sent == [(71, signal.SIGTERM), (71, signal.SIGKILL)] and kernel.wait() == 3
    reading, first, *polls = map(json.loads, process.stdin.getvalue().splitlines())
    assert reading == {"data": "visits.csv"}
    assert first == {"start": "kernel.json", "folder": "folder", "environment": {"A": "b"}, "more": ["--more"]}
    assert polls == [{"poll": 71}] * 4


def test_kernels_of_a_server_that_is_gone_are_gone_and_none_can_be_started(monkeypatch):
    server, _ = served(monkeypatch)
    assert kernels.ForkedKernel(server, 71).poll() == -signal.SIGTERM
    lost = "E955 the process that runs the notebooks: ended without an answer.*--no-notebooks"
    with pytest.raises(OutcomesError, match=lost) as gone:
        server.start("kernel.json", "folder", {}, [])
    assert "is gone" in str(gone.value.__cause__)
    server.stop()
    with pytest.raises(OutcomesError, match=lost) as ended:
        server.start("kernel.json", "folder", {}, [])
    assert "was ended" in str(ended.value.__cause__)


@pytest.mark.parametrize("ends", [True, False])
def test_a_server_that_does_not_end_is_killed(monkeypatch, ends):
    server, process = served(monkeypatch, ends=ends)
    server.stop()
    assert process.killed is not ends and process.stdin.closed and process.stdout.closed


def test_one_notebook_has_its_kernel_started_the_usual_way(small):
    with notebooks._kernels_for({small: {}}) as server:
        assert server is None


def test_the_process_of_the_kernels_is_told_what_the_notebooks_read(small, monkeypatch):
    told = []
    monkeypatch.setattr(kernels, "kernel_server", lambda _, reading: told.append(reading) or nullcontext(None))
    given = {"data": "visits.csv", "protocol": "p.toml", "quarter": "2026Q2"}
    for values in ({small: {}, Path("other.ipynb"): given}, {small: {}, Path("other.ipynb"): {}}):
        with notebooks._kernels_for(values):
            pass
    assert told == [{"data": "visits.csv", "protocol": "p.toml"}, {}]


def test_a_kernel_that_dies_is_named_with_the_notebook(small, monkeypatch):
    def die(*_):
        raise DeadKernelError("Kernel died")

    monkeypatch.setattr(notebooks, "_execute", die)
    run = run_notebook(small, {})
    assert run.failure == "07_small.ipynb: DeadKernelError" and "did not run to its end" in run.html


def test_where_names_of_sockets_would_be_too_long_the_loopback_address_is_used():
    for folder, transport in (("/tmp/a", "ipc"), (f"/tmp/{'a' * 90}", "tcp")):
        client = SimpleNamespace(create_kernel_manager=lambda: None, km=SimpleNamespace(transport="tcp"))
        notebooks._talk_through_files(client, folder)
        assert client.km.transport == transport


def test_elsewhere_than_on_posix_the_kernel_alone_is_killed(monkeypatch):
    killed = []
    process = SimpleNamespace(poll=lambda: None, kill=lambda: killed.append("kernel"))
    client = SimpleNamespace(km=SimpleNamespace(provisioner=SimpleNamespace(process=process)))
    monkeypatch.setattr(notebooks, "os", SimpleNamespace(name="nt"))
    notebooks._stop_kernel(client, SimpleNamespace(is_alive=lambda: False))
    assert killed == ["kernel"]


def test_what_is_no_assignment_of_one_name_is_no_parameter(tmp_path):
    source = "a = 1\nb = c = 2\nd.e = 3\nprint(a)"
    path = write(tmp_path / "09_odd.ipynb", new_code_cell(source, metadata={"tags": ["parameters"]}))
    assert read_parameters(path) == {"a": (1, (int,))}
