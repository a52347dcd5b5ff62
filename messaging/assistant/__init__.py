"""What members write to the assistant and what it says back: understood and worded here, looked up in services. Pure."""
