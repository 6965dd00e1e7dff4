"""How values go through a program: into which parameters, out of which calls, through whose hands, and what checks them on the way."""
