"""How the portal looks and which keys it has: themes, the person's keymap, what the person chose and wants again."""
