"""The program under the real engine, with the provider stand-ins and the local AWS, and without machines."""
