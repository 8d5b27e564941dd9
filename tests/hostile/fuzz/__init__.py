"""Every parser that reads what others wrote: by hypothesis, and by atheris, which looks for new ways through the code."""
