"""Where a bundle answers: targets, the record of deployments, the client that asks any of them."""
