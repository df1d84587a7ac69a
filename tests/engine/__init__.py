"""The product's program under the real engine with the stand-ins and the local AWS, without machines."""
