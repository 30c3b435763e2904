"""Places that archives are kept in."""
