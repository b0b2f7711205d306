"""Crystal graphs: who is whose neighbour, and where that is kept so that training can map it."""
