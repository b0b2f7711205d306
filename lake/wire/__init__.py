"""The wire: asking other people's servers, with all that is owed to them and all that must be feared from them."""
