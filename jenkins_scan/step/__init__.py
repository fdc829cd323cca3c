"""The step from identity to judgement, for images of this agent, of a registry, and of an earlier run."""
