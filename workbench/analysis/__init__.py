"""What a map is worth: does it point at the object, does removing what it shows change the score, does it depend on the weights."""
