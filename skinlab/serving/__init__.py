"""From an evaluated model to answers: the bundle that is deployed."""
