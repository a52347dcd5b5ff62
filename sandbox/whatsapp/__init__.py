"""The WhatsApp Cloud API as Meta runs it: what it accepts, what it refuses, and the webhooks it sends."""
