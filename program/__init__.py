"""What the program works out around its components: who asks AWS, what is there already, names, what is rendered."""
