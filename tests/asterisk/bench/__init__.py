"""A real Asterisk, SIP phones, an AMI listener and the server under test, on one loopback."""
