"""The only door to a mutation: facts, policies, consent, the provider, and a look whether it came true."""
