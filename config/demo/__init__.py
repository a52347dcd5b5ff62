"""`bin/demo`: a brokerage at work, on real input, through the doors that people use."""
