"""What was decided and done, as records that outlive who made them."""
