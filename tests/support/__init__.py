"""What several suites stand on: real servers made for tests."""
