"""Settings of Sphinx for the site; make.py runs it."""

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
ADDRESS = os.environ.get("SITE_ADDRESS", "").removesuffix("/").removesuffix(".git")

project = "Generative adversarial networks, played by hand"
html_title = "GANs, played by hand"
copyright = "the authors. Text: CC BY 4.0, code: MIT"  # noqa: A001
language = "en"
extensions = ["myst_nb", "fold"]
nb_execution_mode = "off"
suppress_warnings = [
    "mystnb.unknown_mime_type",      # facts for programs, each beside what a reader sees of it
    "myst.header",                   # a glossary of level three under a title
]

myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 6
myst_heading_slug_func = "fold.fragment"
# A notebook is plain Markdown: none of these is meant where it occurs.
myst_disable_syntax = ["myst_role", "myst_line_comment", "myst_block_break", "myst_target"]

html_theme = "sphinx_book_theme"
html_theme_options = {
    "home_page_in_toc": False,
    "navbar_persistent": [],                      # the side bar has a search of its own
    "use_download_button": False,
    "use_fullscreen_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if ADDRESS:
    html_theme_options |= {
        "repository_url": ADDRESS, "repository_branch": "HEAD", "path_to_docs": "", "use_repository_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab",
                           "colab_url": "https://colab.research.google.com" if "//github.com/" in ADDRESS else ""},
    }
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sphinx = False
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
MATHJAX = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
html_static_path = [str(HERE / "static")]
html_favicon = str(HERE / "static" / "icon.svg")
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"], ["$", "$"]]},     # the latter in stored outputs
    "options": {"enableMenu": False},                         # it would load parts that are not here
}


def mathjax(app, config) -> None:
    """Of MathJax the site takes the program and its letters: a tenth of what the package has."""
    there = Path(app.outdir) / "_static" / "mathjax"
    for path in [MATHJAX / "tex-chtml.js", *(MATHJAX / "output" / "chtml" / "fonts" / "woff-v2").glob("*.woff")]:
        (there / path.relative_to(MATHJAX)).parent.mkdir(parents=True, exist_ok=True)
        (there / path.relative_to(MATHJAX)).write_bytes(path.read_bytes())


def setup(app) -> None:
    app.connect("config-inited", mathjax)
