"""Programs that Pulumi or people run. The program itself imports none of them."""
