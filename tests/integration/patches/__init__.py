"""Patches and real repositories: real git in temporary work trees."""
