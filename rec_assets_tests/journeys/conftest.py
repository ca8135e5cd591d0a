"""What the journeys share: without it they would draw every picture and wait for idle threads, half of their time."""

import os

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

# LightGBM's threads wait busily by default, which takes the other tests' cores; read when the library loads.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures stay empty."""
    monkeypatch.setattr(FigureCanvasAgg, "draw", FigureCanvasAgg.get_renderer)
