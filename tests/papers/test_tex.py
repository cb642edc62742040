"""TeX as authors write it, and as readers see it."""

import subprocess
import sys
from pathlib import Path

import pytest

from papers.tex import readable

ROOT = Path(__file__).resolve().parents[2]
READ = "import sys; from papers.tex import readable; print(type(readable(sys.stdin.read())))"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("L$^2$M", "L²M"),
        (r"$\alpha$-stable laws", "α-stable laws"),
        (r"\textbf{Bold} and \emph{soft} words", "Bold and soft words"),
        (r"see \href{https://example.org/a_b}{the page}", "see the page"),
        (r"at \url{https://example.org/x}", "at https://example.org/x"),
        (r"$0 \leq x < 1$", "0 ≤ x < 1"),
        (r"$x_{i}^{2}$", "xᵢ²"),
        (r"$T^{2/3}$ and $\eta_{eff}$", "T^(2/3) and η_eff"),
        (r"$\frac{1}{2}$ or $\frac{a+b}{n}$", "1/2 or (a+b)/n"),
        (r"$\sqrt{n}$, $\sqrt{n+1}$", "√n, √(n+1)"),
        (r"$\mathcal{O}(n \log n)$", "O(n log n)"),
        (r"$\mathbb{R}^d$ and $\mathbb{Z}_2$", "ℝᵈ and ℤ₂"),
        (r"G\"odel, \'etale, \c{c}a, Math{\'e}matiques", "Gödel, étale, ça, Mathématiques"),
        (r"360$^\circ$ views, BaCuSi$_{2}$O$_{6}$", "360° views, BaCuSi₂O₆"),
        (r"Text $\rightarrow$ Image", "Text → Image"),
        (r"Chip\textsuperscript{\texttrademark}", "Chip™"),
        (r"$\unicode{x2013}$", "–"),
        (r"shown before \citep{someone2024}, and again", "shown before , and again"),
        (r"R\&D, 40\%, C\#, a\_b, \$5", "R&D, 40%, C#, a_b, $5"),
        ("``quoted'' pages 3--5 --- done", "“quoted” pages 3–5 — done"),
        (r"a~b", "a b"),
        (r"{RL} for {LLM}s", "RL for LLMs"),
    ],
)
def test_tex_becomes_readable_text(source: str, shown: str) -> None:
    assert readable(source) == shown


@pytest.mark.parametrize(
    "prose",
    [
        "",
        "Plain text, 100% plain & simple #1",
        "training for under $5",
        "from $5 for ink to $6 for paper",
        "between $100 and $200",
        "x_i and y^2 typed in prose",
        "~10% faster, about ~3x",
        "$5 at ~10% and 40% off",
        "run it with --flag or -v",
        r"C:\new\table",
        "a < b > c <script>alert(1)</script>",
        "don't, it's 'fine'",
        "नमस्ते 👩‍🔬 Ünïcödé — “ok”",
        "{" * 60,
        r"\frac",
        r"ends with a backslash \\"[:-1],
    ],
)
def test_prose_stays_as_it_is(prose: str) -> None:
    assert readable(prose) == prose


def test_controls_and_direction_overrides_go_and_joiners_stay() -> None:
    assert readable("a\u202eb\u2066c\u200f\x07d\x00\ud800 e\u200df") == "abcd e\u200df"


def test_controls_that_tex_would_make_go_as_well() -> None:
    assert readable(r"a$\unicode{x202e}$b$\unicode{0}$c$\unicode{xffffffff}$") == "abcxffffffff"


def test_lines_are_joined() -> None:
    assert readable("A title\n  that wraps\tand $x$\n\nends ") == "A title that wraps and x ends"


def test_text_that_would_vanish_stays_as_it_was_typed() -> None:
    assert readable("{}") == "{}"


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 100_000 + "}" * 100_000,
        r"\frac" * 1_500,
        "$" * 20_000,
        "{}" * 10_000,
        "$x^" * 6_000,
        "\\" * 20_000,
        r"\textbf{" * 39 + "x" + "}" * 39,
        r"\begin{x}" * 1_500,
        r"\sqrt[" * 1_500,
        r"\left(" * 1_500,
        "a$b " * 5_000,
        "~1" * 10_000,
        "--a " * 5_000,
        r"\newcommand{\x}{\x\x}\x",
        r"\input{/etc/passwd}",
        r"\verb|" + "x" * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_read_to_its_end_and_never_raises(hostile: str) -> None:
    # In a process of its own, since what hangs in a regular expression can only be killed.
    done = subprocess.run(
        [sys.executable, "-c", READ],
        input=hostile,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("<class 'str'>\n", "")
