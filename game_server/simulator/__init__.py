"""A simulated game: players, visitors and programs whose logs come with a known truth."""

from game_server.simulator.simulate import Simulation, simulate
from game_server.simulator.story import Story, variant_of
from game_server.simulator.writer import SimulationError

__all__ = ["Simulation", "SimulationError", "Story", "simulate", "variant_of"]
