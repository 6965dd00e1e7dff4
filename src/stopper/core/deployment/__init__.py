"""How an application is set up and put to work: settings, files beside the code, servers in front, and pipelines."""
