"""What is known exactly: densities, divergences by quadrature, transport, best critics, the flow near a saddle."""
