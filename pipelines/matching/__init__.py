"""Station 3: who is who. Source records get the identities under which the warehouse knows them."""
