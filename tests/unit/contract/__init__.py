"""What both sides of the contract import: pure data and rules."""
