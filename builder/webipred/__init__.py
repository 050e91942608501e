"""webipred: publish medical image classifiers as a static site that predicts in the browser, behind an air gap.

The flow is one way: Catalog → CatalogEntry → SourceArchive → OnnxModel → ModelBundle → Site → dist/.
A stage imports the types of earlier stages, never of later ones; `tests/unit/test_layering.py` checks it.
"""

__version__ = "0.1.0"
