"""What is told of tasks in words: the same sentences on screens and on the command line. Pure; knows no terminal.

Texts may hold what came from the network as it came: whoever prints them makes them harmless first.
"""
